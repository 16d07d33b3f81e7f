//go:build unix && !linux

package main

import "syscall"

func nodeAttr() *syscall.SysProcAttr { return nil }
