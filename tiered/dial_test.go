package tiered_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered"
)

// dial dials and closes with the test.
func dial(t *testing.T, url string) redis.UniversalClient {
	t.Helper()
	rdb, err := tiered.Dial(url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

func TestDialOneServer(t *testing.T) {
	o := dial(t, "redis://user:hunter2@example.com:7000/3").(*redis.Client).Options()
	require.Equal(t, "example.com:7000", o.Addr)
	require.Equal(t, "user", o.Username)
	require.Equal(t, "hunter2", o.Password)
	require.Equal(t, 3, o.DB)
	require.True(t, o.ContextTimeoutEnabled)
	require.Equal(t, 250*time.Millisecond, o.DialTimeout)
	require.Equal(t, 250*time.Millisecond, o.ReadTimeout)
	require.Equal(t, 250*time.Millisecond, o.WriteTimeout)
	require.Equal(t, 250*time.Millisecond, o.PoolTimeout)
	require.Zero(t, o.MaxRetries, "go-redis writes -1 as 0: none")
	require.Equal(t, 1, o.DialerRetries)
	require.Equal(t, maintnotifications.ModeDisabled, o.MaintNotificationsConfig.Mode)
	require.Nil(t, o.TLSConfig)

	require.NotNil(t, dial(t, "rediss://example.com").(*redis.Client).Options().TLSConfig)
	o = dial(t, "redis://example.com?read_timeout=2s&max_retries=2&pool_size=7").(*redis.Client).Options()
	require.Equal(t, 2*time.Second, o.ReadTimeout, "the URL overrides")
	require.Equal(t, 2, o.MaxRetries)
	require.Equal(t, 7, o.PoolSize)
	require.Equal(t, 250*time.Millisecond, o.WriteTimeout)
	require.Equal(t, "/run/redis.sock", dial(t, "unix:///run/redis.sock").(*redis.Client).Options().Addr)
}

func TestDialCluster(t *testing.T) {
	o := dial(t, "redis+cluster://user:hunter2@a:1?addr=b:2&addr=c:3").(*redis.ClusterClient).Options()
	require.Equal(t, []string{"a:1", "b:2", "c:3"}, o.Addrs)
	require.Equal(t, "hunter2", o.Password)
	require.True(t, o.ContextTimeoutEnabled)
	require.Equal(t, 250*time.Millisecond, o.ReadTimeout)
	require.Positive(t, o.MaxRedirects, "a redirection is no retry")
	require.Equal(t, 1, o.DialerRetries)
	require.Nil(t, o.TLSConfig)
	require.NotNil(t, dial(t, "rediss+cluster://a:1").(*redis.ClusterClient).Options().TLSConfig)
}

func TestDialSentinel(t *testing.T) {
	o := dial(t, "redis+sentinel://user:hunter2@a:26379/2?master_name=mymaster&addr=b:26379").(*redis.Client).Options()
	require.True(t, o.ContextTimeoutEnabled)
	require.Equal(t, 2, o.DB)
	require.Equal(t, 250*time.Millisecond, o.ReadTimeout)
	require.Equal(t, maintnotifications.ModeDisabled, o.MaintNotificationsConfig.Mode)
	require.NotNil(t, dial(t, "rediss+sentinel://a:26379?master_name=m").(*redis.Client).Options().TLSConfig)
}

func TestDialRefuses(t *testing.T) {
	for url, want := range map[string]string{
		"":                                        "tiered: Dial: ",
		"http://example.com":                      "http",
		"redis+ring://example.com":                "unknown scheme",
		"http+cluster://example.com":              "tiered: Dial: ",
		"redis+sentinel://a:26379":                "master_name",
		"redis+cluster://a:1?read_only=true":      "replicas",
		"redis+cluster://a:1?route_randomly=true": "replicas",
		"redis+sentinel://a:1?master_name=m&replica_only=true":              "replicas",
		"redis+sentinel://a:1?master_name=m&route_by_latency=true":          "replicas",
		"redis://user:hunter2@example.com:port/":                            "malformed",
		"redis://user:hunter2@example.com/nodb":                             "tiered: Dial: ",
		"redis://user:hunter2@example.com/1/2":                              "tiered: Dial: ",
		"redis://user:hunter2@example.com?no_such_option=1":                 "tiered: Dial: ",
		"redis://user:hunter2@example.com?password=hunter2":                 "tiered: Dial: ",
		"redis://user:hunter2@example.com?read_timeout=soon":                "tiered: Dial: ",
		"redis://user:hunter2%zz@example.com":                               "malformed",
		"redis+cluster://user:hunter2@example.com?nothing=hunter2":          "tiered: Dial: ",
		"redis+sentinel://user:hunter2@example.com?master_name=m&x=hunter2": "tiered: Dial: ",
		"user:hunter2@example.com:6379":                                     "tiered: Dial: ",
		"hunter2@example.com:6379":                                          "tiered: Dial: ",
		"hunter2://example.com":                                             "tiered: Dial: ",
		"redis+hunter2://user:hunter2@example.com":                          "tiered: Dial: ",
		"redis://user:hunter2@exa mple.com":                                 "malformed",
		"redis://example.com\n:hunter2":                                     "malformed",
		"redis://user:hun#hunter2@example.com":                              "tiered: Dial: ",
		"redis://user:hun/hunter2@example.com":                              "tiered: Dial: ",
		"redis://user:hun?hunter2@example.com":                              "tiered: Dial: ",
	} {
		rdb, err := tiered.Dial(url)
		if err == nil {
			_ = rdb.Close()
		}
		require.ErrorContains(t, err, want, url)
		if url != "hunter2://example.com" && url != "redis+hunter2://user:hunter2@example.com" { // no password is there
			require.NotContains(t, err.Error(), "hunter2", url)
		}
		require.Nil(t, rdb)
	}
}
