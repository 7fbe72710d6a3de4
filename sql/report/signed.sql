-- One number: holds that people decided and a batch carried out. Reader: verify, against the ledger's.
SELECT count(*) FROM signed_hold
