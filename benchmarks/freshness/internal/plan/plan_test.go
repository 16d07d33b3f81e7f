package plan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func settings(t *testing.T, seed uint64, d time.Duration) Settings {
	t.Helper()
	all, err := Faults("all")
	require.NoError(t, err)
	return Settings{Seed: seed, Duration: d, Nodes: 3, Keys: 200, Faults: all}
}

func TestEqualSeedsGiveEqualPlans(t *testing.T) {
	a, b := settings(t, 7, time.Minute), settings(t, 7, time.Minute)
	require.Equal(t, a.Digest(), b.Digest())
	require.NotEqual(t, a.Digest(), settings(t, 8, time.Minute).Digest())
	redisA, nodeA := a.Schedule()
	redisB, nodeB := b.Schedule()
	require.Equal(t, redisA, redisB)
	require.Equal(t, nodeA, nodeB)
	opsA, opsB, others := a.Ops(1, 2, 3), b.Ops(1, 2, 3), a.Ops(1, 3, 3)
	differ := 0
	for i := range 1000 {
		op := opsA.Next()
		require.Equal(t, op, opsB.Next(), i)
		if op != others.Next() {
			differ++
		}
	}
	require.Greater(t, differ, 900, "another incarnation does other things")
	require.Equal(t, a.Load(1, 2, 3), b.Load(1, 2, 3))
}

func TestTenMinutesHaveTenFaultsOfEachKind(t *testing.T) {
	for seed := range uint64(20) {
		s := settings(t, seed, 10*time.Minute)
		redis, node := s.Schedule()
		count := map[Fault]int{}
		for _, e := range append(redis, node...) {
			count[e.Fault]++
			require.LessOrEqual(t, e.At+e.For, s.Duration)
		}
		for _, f := range s.Faults {
			require.GreaterOrEqual(t, count[f], 10, "seed %d: %s of %v", seed, f, count)
		}
	}
}

func TestFaultsOfALaneDoNotOverlap(t *testing.T) {
	redis, node := settings(t, 1, 10*time.Minute).Schedule()
	for _, lane := range [][]Event{redis, node} {
		for i := 1; i < len(lane); i++ {
			require.GreaterOrEqual(t, lane[i].At, lane[i-1].At+lane[i-1].For)
		}
	}
}

func TestWhoMustTellAgainIsNotSilenced(t *testing.T) {
	redis, node := settings(t, 3, 10*time.Minute).Schedule()
	lost := 0
	for _, r := range redis {
		if !r.Fault.loses() {
			continue
		}
		lost++
		for _, n := range node {
			if n.Fault.silences() {
				require.False(t, n.At < r.At+r.For+aftermath && n.At+n.For > r.At, "%v beside %v", n, r)
			}
		}
	}
	require.NotZero(t, lost)
}

func TestListsOfFaults(t *testing.T) {
	for list, want := range map[string]int{
		"all": len(RedisFaults) + len(NodeFaults), "none": 0, "": 0, "failover": 1, "failover, node-kill": 2,
		"-link-drop": len(RedisFaults) + len(NodeFaults) - 1, "all,-link-drop,-evict": len(RedisFaults) + len(NodeFaults) - 2,
	} {
		got, err := Faults(list)
		require.NoError(t, err, list)
		require.Len(t, got, want, list)
	}
	_, err := Faults("earthquake")
	require.ErrorContains(t, err, "earthquake")
}

func TestLoadsBehaveInAllWays(t *testing.T) {
	s := settings(t, 1, time.Minute)
	seen := map[string]int{}
	for nth := range 10_000 {
		switch l := s.Load(0, nth%200, nth); {
		case l.Deaf:
			seen["deaf"]++
		case l.Hangs:
			seen["hangs"]++
		case l.Panics:
			seen["panics"]++
		case l.Fails:
			seen["fails"]++
		case l.Takes > 100*time.Millisecond:
			seen["slow"]++
		default:
			seen["well"]++
		}
	}
	require.Len(t, seen, 6)
	require.Greater(t, seen["well"], 8_000)
}
