"""The reference pages: every command, setting and rule, made from the code that they are about."""
