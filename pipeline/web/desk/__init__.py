"""The desk: where teams, labs and operators sign in and work."""
