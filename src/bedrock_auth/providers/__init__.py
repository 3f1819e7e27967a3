"""One file per source of credentials, each the whole story: settings, validation, one fetch, error mapping."""
