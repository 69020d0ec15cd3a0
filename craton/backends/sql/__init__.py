"""The SQL driver: SQLAlchemy, oslo.db and Alembic, on SQLite, MariaDB and MySQL."""
