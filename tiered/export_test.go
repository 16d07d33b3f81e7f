package tiered

// Polls is how often a Store has asked Redis who it is while the link was up.
func Polls(s *Store) uint64 { return s.link.polls.Load() }
