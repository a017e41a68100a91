/*
 * wire: messages over a SOCK_SEQPACKET pair between processes of the same binary, each whole, with
 * at most one descriptor. What is longer than a packet travels in a memfd. Descriptors that arrive
 * are close-on-exec and the receiver's.
 */
#ifndef HANEUL_PLANE_WIRE_H
#define HANEUL_PLANE_WIRE_H

#include "base/buf.h"

int wire_pair(int ret_fds[2]); /* close-on-exec, blocking. 0 or -errno */
/* 0; -EAGAIN when the socket is full (non-blocking); -errno. fd -1: none; it stays the caller's. */
int wire_send(int socket_fd, struct str bytes, int fd);
/* 1: a message, and *ret_fd is -1 or a descriptor; 0: the other end is gone; -EAGAIN; -EBADMSG … */
int wire_recv(int socket_fd, struct buf *ret, int *ret_fd);

#endif
