// Package plan draws everything that a run does from its seed: the operations of each worker, how each load behaves, and
// the faults. How far a worker comes in its list depends on the machine; the list does not.
package plan
