#!/bin/sh
# azd runs this before it makes anything. What is missing is said here, in plain words, instead of by a failed deployment.
set -eu
go run ./cmd/crosswalk preflight
