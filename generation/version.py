"""The version that provenance and the API name."""

VERSION = "0.1.0"
