package tiered_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/freshet-go/freshet/tiered"
)

func TestOnLink(t *testing.T) {
	inBubble(t, func(w *world) {
		var mu sync.Mutex
		var states []tiered.LinkState
		a := w.node(func(o *tiered.Options) {
			o.OnLink = func(now tiered.LinkState) {
				mu.Lock()
				states = append(states, now)
				mu.Unlock()
				if now == tiered.LinkFallback {
					panic("of the user")
				}
			}
		})
		taken := func() []tiered.LinkState {
			w.elapse(0)
			mu.Lock()
			defer mu.Unlock()
			s := states
			states = nil
			return s
		}
		require.Equal(w, []tiered.LinkState{tiered.LinkUp}, taken())
		require.Equal(w, tiered.LinkUp, a.Stats().Link)
		a.net.Down()
		w.elapse(5 * time.Second)
		down := taken()
		require.Equal(w, tiered.LinkFallback, down[len(down)-1])
		require.Equal(w, tiered.LinkFallback, a.Stats().Link)
		a.net.Up()
		w.elapse(5 * time.Second)
		require.Equal(w, tiered.LinkUp, a.Stats().Link)
		last := taken()
		require.Equal(w, tiered.LinkUp, last[len(last)-1])
	})
	require.Equal(t, "up down fallback", tiered.LinkUp.String()+" "+tiered.LinkDown.String()+" "+tiered.LinkFallback.String())
}
