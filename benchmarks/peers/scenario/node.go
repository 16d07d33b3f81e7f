package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-go/freshet/benchmarks/peers/contender"
)

// nodeRequest opens a contender, if it names one, else asks it for Key, Callers times at once.
type nodeRequest struct {
	Lib, Redis string

	Key     string
	Callers int
	At      int64 // Unix nanoseconds
	Load    time.Duration
}

// nodeAnswer is what came of it.
type nodeAnswer struct {
	Loads     int64
	Latencies []time.Duration
	Err       string
}

func (a nodeAnswer) err() error {
	if a.Err == "" {
		return nil
	}
	return errors.New(a.Err)
}

// RunNode does a node's work until its input ends; see lab.IsNode.
func RunNode(in io.Reader, out io.Writer) error {
	var n node
	defer n.close()
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var r nodeRequest
		err := requests.Decode(&r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("scenario: node: %w", err)
		}
		a, err := n.do(r)
		if err != nil {
			a.Err = err.Error()
		}
		if err := answers.Encode(a); err != nil {
			return fmt.Errorf("scenario: node: %w", err)
		}
	}
}

// node has a contender open.
type node struct {
	cache contender.Cache[string, []byte]
	loads atomic.Int64
	slow  time.Duration
}

func (n *node) do(r nodeRequest) (nodeAnswer, error) {
	ctx := context.Background()
	if r.Lib != "" {
		n.close()
		n.slow = r.Load
		c, err := contender.Named[string, []byte](r.Lib).Open(ctx, contender.Setup[string, []byte]{
			Load: n.load, Redis: r.Redis, Entries: 10_000, TTL: lifetime,
		})
		if err == nil {
			n.cache = c
			_, err = c.Get(ctx, "hello") // connects
		}
		return nodeAnswer{}, err
	}
	before := n.loads.Load()
	a := nodeAnswer{Latencies: make([]time.Duration, r.Callers)}
	errs := make([]error, r.Callers)
	ready := make(chan struct{})
	var done sync.WaitGroup
	for i := range r.Callers {
		done.Go(func() {
			<-ready
			began := time.Now()
			_, errs[i] = n.cache.Get(ctx, r.Key)
			a.Latencies[i] = time.Since(began)
		})
	}
	time.Sleep(time.Until(time.Unix(0, r.At)))
	close(ready)
	done.Wait()
	a.Loads = n.loads.Load() - before
	return a, errors.Join(errs...)
}

func (n *node) load(context.Context, string) ([]byte, error) {
	n.loads.Add(1)
	time.Sleep(n.slow)
	return []byte("value"), nil
}

func (n *node) close() {
	if n.cache != nil {
		n.cache.Close()
	}
}
