#!/bin/sh
# azd runs this when everything is there. Each step can be run again, and changes nothing that is as it should be.
set -eu
go run ./cmd/crosswalk certificate ensure
go run ./cmd/crosswalk rules --warn
echo "When the functions are deployed too:"
echo "  crosswalk register fno         says what the administrator of F&O sets up"
echo "  crosswalk register dataverse   says what the administrator of Dataverse sets up"
echo "  crosswalk verify               sends one event all the way"
