//go:build unix

package main

import (
	"context"
	"net"
	"time"

	"github.com/freshet-go/freshet/benchmarks/freshness/internal/servers"
	"github.com/freshet-go/freshet/internal/prompt"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const redisTimeout = 250 * time.Millisecond

// client makes a client as tiered.Dial does, but for the way to the servers, which leads through the node's proxy.
func (c config) client() redis.UniversalClient {
	dial := func(ctx context.Context, _, addr string) (net.Conn, error) {
		dialer := net.Dialer{Timeout: redisTimeout}
		conn, err := dialer.DialContext(ctx, "tcp", c.Proxy)
		if err != nil {
			return nil, err
		}
		if _, err := conn.Write([]byte(addr + "\n")); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return conn, nil
	}
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	switch c.Topology {
	case servers.Sentinel:
		return prompt.Mark(redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: servers.MasterName, SentinelAddrs: c.Addrs, Dialer: dial, ContextTimeoutEnabled: true,
			DialTimeout: redisTimeout, ReadTimeout: redisTimeout, WriteTimeout: redisTimeout, PoolTimeout: redisTimeout,
			MaxRetries: -1, DialerRetries: 1,
		}))
	case servers.Cluster:
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: c.Addrs, Dialer: dial, ContextTimeoutEnabled: true, MaxRedirects: 3,
			DialTimeout: redisTimeout, ReadTimeout: redisTimeout, WriteTimeout: redisTimeout, PoolTimeout: redisTimeout,
			MaxRetries: -1, DialerRetries: 1, MaintNotificationsConfig: quiet,
		})
	case servers.Standalone:
	}
	return prompt.Mark(redis.NewClient(&redis.Options{
		Addr: c.Addrs[0], Dialer: dial, ContextTimeoutEnabled: true,
		DialTimeout: redisTimeout, ReadTimeout: redisTimeout, WriteTimeout: redisTimeout, PoolTimeout: redisTimeout,
		MaxRetries: -1, DialerRetries: 1, MaintNotificationsConfig: quiet,
	}))
}
