#!/bin/sh
# zkServer.sh start-foreground: ZooKeeper with $ZOOCFGDIR/zoo.cfg.
[ "${1:-}" = start-foreground ] || { echo "only start-foreground" >&2; exit 2; }
home=$(dirname "$(readlink -f "$0")")/..
exec java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$home/conf:$home/lib/*" \
    org.apache.zookeeper.server.quorum.QuorumPeerMain "$ZOOCFGDIR/zoo.cfg"
