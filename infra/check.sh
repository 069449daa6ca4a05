#!/bin/sh
# Checks the infrastructure with the Bicep compiler and without Azure: lint prints nothing at all, format changes nothing, and
# the snapshots in test/ are what would be deployed. "check.sh update" formats the files and writes the snapshots anew.
#
# The compiler is $BICEP or bicep in PATH. Where there is none, this says so and ends with 0; with BICEP_REQUIRED=1, or
# asked for an update, with 1.
set -eu
mode=${1:-check}
bicep=${BICEP:-bicep}
case $bicep in
/*) ;;
*/*) bicep=$PWD/$bicep ;;
esac
cd "$(dirname "$0")"

if ! command -v "$bicep" >/dev/null 2>&1; then
  {
    echo "=================================================================================="
    echo "  THE INFRASTRUCTURE WAS NOT CHECKED: there is no Bicep compiler (\$BICEP or PATH)."
    echo "  Lint, format and snapshots were skipped; the Go tests on the snapshots still run."
    echo "  https://learn.microsoft.com/azure/azure-resource-manager/bicep/install"
    echo "=================================================================================="
  } >&2
  [ "$mode" = check ] && [ "${BICEP_REQUIRED:-}" != 1 ]
  exit
fi

out=$(mktemp)
trap 'rm -f "$out"' EXIT
failed=0
fail() {
  echo "infra: $1" >&2
  cat "$out" >&2
  failed=1
}

for file in *.bicep *.bicepparam modules/*.bicep test/*.bicepparam; do
  if [ "$mode" = update ]; then
    "$bicep" format "$file"
  elif ! "$bicep" format "$file" --stdout | diff -u "$file" - >"$out" 2>&1; then
    fail "$file is not formatted (fix: make snapshots)"
  fi
  # A warning ends with 0, and the compiler's own can't be raised to errors: any output fails.
  if ! "$bicep" lint "$file" >"$out" 2>&1 || [ -s "$out" ]; then
    fail "lint of $file is not silent"
  fi
done

# With fixed ids and a fixed region the same names come out everywhere.
[ "$mode" = update ] && snapshot=overwrite || snapshot=validate
for file in test/*.bicepparam; do
  scope=
  grep -q '/modules/' "$file" && scope='--resource-group rg' # a module's deployment is that of a resource group
  # shellcheck disable=SC2086
  if ! "$bicep" snapshot "$file" --mode $snapshot --location westeurope $scope \
    --subscription-id 00000000-0000-0000-0000-000000000000 --tenant-id 00000000-0000-0000-0000-000000000000 >"$out" 2>&1; then
    fail "the deployment of $file is not the one in its snapshot (fix: make snapshots, and look at what changes)"
  fi
done
[ $failed = 0 ] || exit 1
[ "$mode" = update ] || echo "infra: lint silent, format and snapshots as checked in ($("$bicep" --version))"
