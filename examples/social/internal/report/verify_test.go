package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/examples/social/internal/capacity"
	"github.com/freshet-go/freshet/examples/social/internal/load"
)

// TestVerify: each setting, each expected latency and each check of the run passes or fails by itself.
func TestVerify(t *testing.T) {
	verify := func(r *Report, s capacity.Settings) (passed bool, failed []string, text string) {
		t.Helper()
		r.Judge()
		var b bytes.Buffer
		passed, err := r.Verify(&b, s)
		require.NoError(t, err)
		for line := range strings.Lines(b.String()) {
			if name, ok := strings.CutPrefix(line, "FAIL"); ok {
				failed = append(failed, strings.TrimSpace(name))
			}
		}
		return passed, failed, b.String()
	}
	passed, failed, text := verify(good(), capacity.Defaults())
	require.True(t, passed, text)
	require.Empty(t, failed)
	require.Regexp(t, `(?m)^PASS +total capacity +12 +12$`, text)
	require.Regexp(t, `(?m)^PASS +feed mean +20-60 ms +1.00ms \(1.00s\)$`, text)
	require.Equal(t, 3+3+12-3, strings.Count(text, "PASS"), "none twice")
	require.Contains(t, text, "\nVERIFIED")

	few := capacity.Settings{Workers: 2, Threads: 4}
	passed, failed, _ = verify(good(), few)
	require.False(t, passed)
	require.Len(t, failed, 2)
	require.Regexp(t, `^workers \(WEB_CONCURRENCY\) +3 +2$`, failed[0])
	require.Regexp(t, `^total capacity +12 +8$`, failed[1])

	short := good()
	short.Before.Latencies[load.Health] = nil
	passed, _, text = verify(short, capacity.Defaults())
	require.True(t, passed, "it is about what the cache makes of it")
	require.Regexp(t, `(?m)^PASS +health p99 .*\(no request\)$`, text)

	slow := good()
	slow.After.Latencies[load.Feed] = load.Latencies{61 * time.Millisecond}
	slow.After.Latencies[load.Auth] = load.Latencies{51 * time.Millisecond}
	slow.After.Latencies[load.Health] = nil
	slow.Before.Wrong = 1
	passed, failed, text = verify(slow, capacity.Defaults())
	require.False(t, passed)
	require.Contains(t, text, "NOT VERIFIED")
	for i, name := range []string{"feed mean", "auth p99", "health p99", "feed p50", "feed p95", "stale or wrong responses"} {
		require.Contains(t, failed[i], name)
	}
}
