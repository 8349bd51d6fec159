"""The process engine: releases as processes of this host, behind HAProxy, kept alive by a supervisor per environment."""
