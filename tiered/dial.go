package tiered

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/freshet-go/freshet/internal/prompt"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const dialTimeout = 250 * time.Millisecond

// Dial makes a client with what a cache needs: deadlines of the context are obeyed, every step has a timeout of 250 ms,
// nothing is retried (the breaker and the next request are better at it). It does not connect yet.
//
//	redis://user:password@host:6379/0                       one server; rediss:// for TLS
//	redis+cluster://host:6379?addr=host2:6379               a Cluster; rediss+cluster:// for TLS
//	redis+sentinel://host:26379/0?master_name=mymaster      Sentinel; more of them as addr=host2:26379
//
// Other parameters of the query are those of go-redis's ParseURL, and override what Dial sets.
//
// A Store asks through such a client on its callers' own goroutines, where that is quicker, as long as nobody adds a hook
// to it; and through any other on goroutines of its own, which it can leave behind.
func Dial(rawURL string) (redis.UniversalClient, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("tiered: Dial: malformed URL") // which may hold a password
	}
	var rdb redis.UniversalClient
	switch scheme, kind, _ := strings.Cut(u.Scheme, "+"); kind {
	case "":
		rdb, err = dialServer(rawURL)
	case "cluster":
		u.Scheme = scheme
		rdb, err = dialCluster(u.String())
	case "sentinel":
		u.Scheme = scheme
		rdb, err = dialSentinel(u.String())
	default:
		err = fmt.Errorf("unknown scheme %q", u.Scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("tiered: Dial: %w", err)
	}
	if err := refuse(rdb); err != nil {
		_ = rdb.Close()
		return nil, fmt.Errorf("tiered: Dial: %w", err)
	}
	return rdb, nil
}

func dialServer(u string) (redis.UniversalClient, error) {
	o, err := redis.ParseURL(u)
	if err != nil {
		return nil, err
	}
	o.ContextTimeoutEnabled = true
	quick(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout)
	once(&o.MaxRetries, &o.DialerRetries)
	o.MaintNotificationsConfig = quiet()
	return prompt.Mark(redis.NewClient(o)), nil
}

func dialCluster(u string) (redis.UniversalClient, error) {
	o, err := redis.ParseClusterURL(u)
	if err != nil {
		return nil, err
	}
	o.ContextTimeoutEnabled = true
	quick(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout)
	once(&o.MaxRetries, &o.DialerRetries)
	if o.MaxRedirects == 0 {
		o.MaxRedirects = 3
	}
	o.MaintNotificationsConfig = quiet()
	return redis.NewClusterClient(o), nil
}

func dialSentinel(u string) (redis.UniversalClient, error) {
	o, err := redis.ParseFailoverURL(u)
	if err != nil {
		return nil, err
	}
	o.ContextTimeoutEnabled = true
	quick(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout)
	once(&o.MaxRetries, &o.DialerRetries)
	if o.MasterName == "" {
		return nil, errors.New("the URL of Sentinel names no master: add ?master_name=…")
	}
	if o.ReplicaOnly || o.RouteByLatency || o.RouteRandomly {
		return nil, errors.New("the client " + readsReplicas)
	}
	return prompt.Mark(redis.NewFailoverClient(o)), nil
}

// quick sets timeouts that the URL has not set.
func quick(timeouts ...*time.Duration) {
	for _, t := range timeouts {
		if *t == 0 {
			*t = dialTimeout
		}
	}
}

// once switches retries off, which the URL has not set.
func once(retries, dials *int) {
	if *retries == 0 {
		*retries = -1
	}
	if *dials == 0 {
		*dials = 1
	}
}

// quiet switches maintenance notifications off: they cost a look-up of names at each connection.
func quiet() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}
