#!/bin/sh
# run.sh [MINUTES [TARGET...]]: seeds, builds, and runs every target for so long, one after the other.
set -eu
cd "$(dirname "$0")"
minutes=${1:-3}
[ $# -eq 0 ] || shift
./seeds.sh
for target in ${*:-sse frames requests replies streams hints}; do
    cargo +nightly fuzz run --fuzz-dir . "$target" -- -dict=corpus/words -max_total_time=$((minutes * 60)) -timeout=10 \
        -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1
done
