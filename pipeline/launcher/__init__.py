"""Brings Airflow up on this machine and down again, as processes of its own; never imports Airflow."""
