package redistest

import "syscall"

// diesWithUs makes the system kill a process with the test that started it, even if that is killed itself.
func diesWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
