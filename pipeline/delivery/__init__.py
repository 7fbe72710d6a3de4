"""The only room that knows Twilio: the adapter, its code table, what a lost answer means, and a stand-in for demos and tests."""
