#!/bin/sh
home=$(dirname "$(readlink -f "$0")")/..
exec java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$home/lib/*" -Dorg.slf4j.simpleLogger.defaultLogLevel=info \
    kafka.Kafka "$@"
