package tiered

// Memory is an engine of the memory tier: a bounded map from hashes to items. It is trusted for nothing: it may drop,
// delay, reorder or resurrect what it was given, and answer with the item of another key. Each item is judged by its
// own stamp and key on every read.
//
// All methods may be called concurrently, Get and Set also during and after Close.
type Memory interface {
	// Get returns the item kept under hash. It must not allocate.
	Get(hash uint64) (Item, bool)
	// Set keeps item under hash, in place of what was there, or does not.
	Set(hash uint64, item Item)
	// Usage returns the bytes in use, as far as the engine knows, and their limit.
	Usage() (used, limit int64)
	// Close frees the engine's resources and ends its goroutines. It may be called twice.
	Close()
}

// Engine makes a Memory of at most so many bytes. Ristretto and Otter are engines, NoMemory switches memory off; any
// other implementation must pass the same conformance tests.
type Engine func(bytes int64) (Memory, error)

// NoMemory is an engine that keeps nothing: every read goes to Redis.
func NoMemory(int64) (Memory, error) { return noMemory{}, nil }

type noMemory struct{}

func (noMemory) Get(uint64) (Item, bool)    { return nil, false }
func (noMemory) Set(uint64, Item)           {}
func (noMemory) Usage() (used, limit int64) { return 0, 0 }
func (noMemory) Close()                     {}
