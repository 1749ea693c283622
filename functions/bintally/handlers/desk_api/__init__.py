"""The desk's page and its API, each route with the roles that may use it."""
