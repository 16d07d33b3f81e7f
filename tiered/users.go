package tiered

import (
	"io"
	"maps"
)

// Users returns what is registered now, by name: the caches of this Store.
func (s *Store) Users() map[string]io.Closer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.users)
}
