package main

import "syscall"

// nodeAttr has the kernel end a node with the coordinator, also one that is stopped.
func nodeAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
