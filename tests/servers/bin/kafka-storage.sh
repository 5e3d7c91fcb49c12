#!/bin/sh
home=$(dirname "$(readlink -f "$0")")/..
exec java -Xmx96m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$home/lib/*" -Dorg.slf4j.simpleLogger.defaultLogLevel=error \
    kafka.tools.StorageTool "$@"
