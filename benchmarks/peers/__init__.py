"""What Gateline's service is compared with: the limit of the server, the naive app, and other serving frameworks."""
