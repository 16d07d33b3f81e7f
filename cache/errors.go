package cache

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

var (
	// ErrNotFound: there is no value for the key. It wraps the loader's own error where the loader gave one just now. A
	// loader may return it, too.
	ErrNotFound = errors.New("cache: not found")
	// ErrClosed: the cache, or its Store, was closed.
	ErrClosed = errors.New("cache: closed")
	// ErrGoexit: the loader ended its goroutine by runtime.Goexit.
	ErrGoexit = errors.New("cache: the load called runtime.Goexit")
)

// absence is the answer that there is no value, where the loader said so just now.
type absence struct{ cause error }

func (a *absence) Error() string        { return ErrNotFound.Error() + ": " + a.cause.Error() }
func (a *absence) Is(target error) bool { return target == ErrNotFound }
func (a *absence) Unwrap() error        { return a.cause }

// saysAbsent tells the answer that there is no value from a failure, which may wrap anything.
func saysAbsent(err error) bool {
	_, loaded := err.(*absence)         //nolint:errorlint // only the answer itself
	return loaded || err == ErrNotFound //nolint:errorlint // as here
}

// PanicError is what callers get if the loader panicked.
type PanicError struct {
	Value any    // what panic was called with
	Stack []byte // of the load
}

func (e *PanicError) Error() string { return fmt.Sprintf("cache: the load panicked: %v", e.Value) }

// Unwrap returns the panic's value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// BatchError says which keys of a batch failed, and why. A batch loader may return one, beside the values it has: the
// other keys then are as good as without it.
type BatchError[K comparable] struct {
	Failed map[K]error
}

func (e *BatchError[K]) Error() string {
	causes := map[string]int{}
	for _, err := range e.Failed {
		causes[err.Error()]++
	}
	var b strings.Builder
	fmt.Fprintf(&b, "cache: %d keys failed", len(e.Failed))
	for i, cause := range slices.Sorted(maps.Keys(causes)) {
		if i == 3 {
			b.WriteString("; …")
			break
		}
		fmt.Fprintf(&b, "; %d of them: %s", causes[cause], cause)
	}
	return b.String()
}

// isBatch tells the errors of batches, whatever their keys.
func (e *BatchError[K]) isBatch() {}

// Unwrap returns the errors of the keys.
func (e *BatchError[K]) Unwrap() []error { return slices.Collect(maps.Values(e.Failed)) }
