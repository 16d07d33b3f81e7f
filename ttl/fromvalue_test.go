package ttl_test

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-go/freshet/ttl"
	"github.com/stretchr/testify/require"
)

type token struct{ expires time.Time }

func (t token) Left() time.Duration { return time.Until(t.expires) }

type expiring interface{ Left() time.Duration }

func TestFromValueTakesVOrPointer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := token{time.Now().Add(time.Minute)}
		want := ttl.Lifetime{Fresh: time.Minute, Stale: time.Minute, Keep: time.Minute}
		for name, p := range map[string]ttl.Policy{
			"of V":            ttl.FromValue(token.Left),
			"of *V":           ttl.FromValue((*token).Left),
			"of an interface": ttl.FromValue(expiring.Left),
		} {
			require.NoError(t, p.Validate(), name)
			require.Equal(t, want, p.Lifetime(live), name)
			require.Equal(t, want, p.Lifetime(&live), name)
		}

		p := ttl.FromValue(token.Left)
		require.Zero(t, p.Lifetime((*token)(nil)))
		require.Zero(t, p.Lifetime(nil))
		require.Zero(t, p.Lifetime("another type"))

		time.Sleep(time.Minute)
		require.Zero(t, p.StaleIfError(time.Hour).Lifetime(live), "a value that is dead already is not kept")
	})
}

func TestFromValueObeysTheOtherSettings(t *testing.T) {
	same := func(d time.Duration) time.Duration { return d }
	p := ttl.FromValue(same).AtMost(time.Hour).StaleIfError(time.Minute).StaleWhileRevalidate(time.Second)
	require.Equal(t, ttl.Lifetime{Fresh: time.Hour, Stale: time.Hour + time.Second, Keep: time.Hour + time.Minute}, p.Lifetime(24*time.Hour))
	require.Equal(t, ttl.Lifetime{Fresh: 1, Stale: 1 + time.Second, Keep: 1 + time.Minute}, p.Lifetime(time.Duration(1)))
	require.Zero(t, p.Lifetime(time.Duration(0)))

	shortened := false
	for range 1000 {
		l := p.Jitter(0.5).Lifetime(time.Minute)
		require.LessOrEqual(t, l.Fresh, time.Minute)
		require.Equal(t, time.Minute, l.Keep-l.Fresh)
		shortened = shortened || l.Fresh < 50*time.Second
	}
	require.True(t, shortened)
}

func TestCheckType(t *testing.T) {
	type other struct{}
	p := ttl.FromValue(token.Left)
	require.NoError(t, p.CheckType(reflect.TypeFor[token]()))
	require.NoError(t, p.CheckType(reflect.TypeFor[*token]()))
	require.NoError(t, p.CheckType(reflect.TypeFor[any]()), "known only when the value comes")
	require.NoError(t, p.CheckType(nil))
	require.NoError(t, ttl.FromValue((*token).Left).CheckType(reflect.TypeFor[token]()))
	require.NoError(t, ttl.FromValue(expiring.Left).CheckType(reflect.TypeFor[token]()))
	require.NoError(t, ttl.Fixed(1).CheckType(reflect.TypeFor[other]()))
	require.NoError(t, ttl.Policy{}.CheckType(reflect.TypeFor[other]()))
	require.EqualError(t, p.CheckType(reflect.TypeFor[other]()),
		"ttl: FromValue takes a ttl_test.token, but the values are of type ttl_test.other: it would keep none of them")
	require.Error(t, p.CheckType(reflect.TypeFor[**token]()))
}
