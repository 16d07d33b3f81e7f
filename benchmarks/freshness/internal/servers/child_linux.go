package servers

import "syscall"

// childAttr has the kernel end the server with its parent, however that ends.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
