"""The stages that judge a running release before it is deployed anywhere."""
