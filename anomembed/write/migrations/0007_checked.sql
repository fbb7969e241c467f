-- The settings that each monitor ran with last, so that a run with nothing new need not check them again.

CREATE TABLE checked_settings (monitor VARCHAR NOT NULL, digest VARCHAR NOT NULL, settings JSON NOT NULL);

COMMENT ON TABLE checked_settings IS 'Settings that each monitor ran with last, one row each; no addresses, which may hold secrets.';
COMMENT ON COLUMN checked_settings.monitor IS 'The monitor.';
COMMENT ON COLUMN checked_settings.digest IS 'Hash of its configuration file: what has changed since is checked anew.';
COMMENT ON COLUMN checked_settings.settings IS 'The settings, those too that are not in the file.';
