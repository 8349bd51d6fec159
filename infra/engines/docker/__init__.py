"""The docker engine: releases in containers, on this machine or on another one."""
