# azd runs this before it makes anything. What is missing is said here, in plain words, instead of by a failed deployment.
$ErrorActionPreference = 'Stop'
go run ./cmd/crosswalk preflight
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
