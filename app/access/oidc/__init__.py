"""OpenID Connect: people signing in with an issuer, and CI showing who it is without a secret of ours."""
