"""Advisories in the database: what `alerts.advisories` decides is recorded, published and proposed here."""
