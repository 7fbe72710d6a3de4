"""What the DAG files share: assets, the inbox trigger, the one way a task calls a stage.

No DAG file, so `dags/.airflowignore` leaves it out. The launcher puts `dags/` on PYTHONPATH: the triggerer must import the trigger by name.
"""
