# Sourced by sbx and sbxd with $root and $scripts set: runs the set-up when something is missing or out of date. It only
# looks at times of files with the shell's own means, because every call of sbx passes through here.

is_ready() {
  [ -f "$root/dist/build-id" ] || return 1
  # An installed package has no sources to compare with.
  [ -f "$root/package-lock.json" ] || return 0
  [ -d "$root/node_modules" ] || return 1
  # A folder's time tells of files that came or went.
  for file in "$root"/package-lock.json "$root"/package.json "$root"/scripts/build.mjs \
    "$root"/client "$root"/client/* "$root"/client/*/* \
    "$root"/daemon "$root"/daemon/* "$root"/daemon/*/* "$root"/daemon/*/*/* \
    "$root"/policies "$root"/policies/* "$root"/policies/*/*; do
    if [ "$file" -nt "$root/dist/build-id" ]; then return 1; fi
  done
}

if ! command -v node >/dev/null 2>&1; then
  echo 'sbx: Node.js was not found on PATH; install Node 20 or later' >&2
  exit 125
fi
# The rest of sbx works without a sandbox, and doctor says what is missing.
if ! is_ready || { [ "${1-}" = run ] && ! command -v bwrap >/dev/null 2>&1; }; then
  "$scripts/setup" </dev/null >&2 || exit 125
fi
