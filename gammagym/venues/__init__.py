"""Rules of exchanges as data: one TOML per venue and the schema that checks it."""
