package tiered

import (
	"math"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/ttl"
)

func TestEntryIsSmall(t *testing.T) {
	require.LessOrEqual(t, unsafe.Sizeof(Entry{}), uintptr(40), "with an owner, a key of 8 bytes and a slice: an allocation of 80")
	require.LessOrEqual(t, unsafe.Sizeof(later{}), uintptr(laterSize))
}

func TestWeightIsRoundedUp(t *testing.T) {
	s, err := Open(Options{Engine: NoMemory})
	require.NoError(t, err)
	defer s.Close()
	for _, negative := range []bool{false, true} {
		for given, want := range map[int64]int64{
			-1: 0, 0: 0, 1: 4, 4: 4, 5: 8, 100_001: 100_004,
			math.MaxUint32 - 4: math.MaxUint32 - 3, math.MaxUint32: math.MaxUint32 - 3, math.MaxInt64: math.MaxUint32 - 3,
		} {
			var e Entry
			s.Seal(&e, s.Stamp("k"), ttl.Lifetime{Fresh: time.Minute}, s.Instant(), negative, given)
			require.Equal(t, want, e.Weight(), given)
			e.Replace()
			require.Equal(t, want, e.Weight(), given)
			require.Equal(t, negative, e.Negative())
			if given < math.MaxUint32-laterSize {
				e.Refreshed(1, time.Second)
				require.Equal(t, want+laterSize, e.Weight())
				require.True(t, e.Replaced())
				require.Equal(t, negative, e.Negative())
			}
		}
	}
}

func TestAgingAgainAddsNoWeight(t *testing.T) {
	s, err := Open(Options{Engine: NoMemory})
	require.NoError(t, err)
	defer s.Close()
	e := new(Entry)
	s.Seal(e, s.Stamp("k"), ttl.Lifetime{Fresh: time.Minute}, s.Instant(), false, 100)
	for range 3 {
		aged := new(Entry)
		s.Age(aged, e)
		require.EqualValues(t, 100+laterSize, aged.Weight())
		e = aged
	}
}

func TestTheZeroStampIsNeverFresh(t *testing.T) {
	s, err := Open(Options{Engine: NoMemory})
	require.NoError(t, err)
	defer s.Close()
	var e Entry
	s.Seal(&e, Stamp{}, ttl.Lifetime{Fresh: time.Minute}, s.Instant(), false, 100)
	s.fence.graceUntil(s.Instant() + int64(time.Hour))
	s.fence.bumpEpoch()
	require.Equal(t, Dead, s.Freshness(&e))
}
