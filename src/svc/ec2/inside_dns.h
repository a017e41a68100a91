/*
 * inside_dns: the resolver of one network as sockets: UDP and TCP queries in, answers out; what is
 * not this cloud's is forwarded to the resolvers of the host, each query under an id and from a
 * port of its own. Belongs to the first loop. Everything is bounded: queries under way, TCP
 * clients, their time.
 */
#ifndef HANEUL_SVC_EC2_INSIDE_DNS_H
#define HANEUL_SVC_EC2_INSIDE_DNS_H

struct ec2_inside;
struct inside_dns;
struct loop;

struct inside_dns *inside_dns_new(
	struct loop *l, const struct ec2_inside *view); /* view is borrowed. NULL: no memory */
void inside_dns_free(struct inside_dns *d);             /* NULL is fine; closes its sockets */
/* Take the socket on success. 0 or -errno. */
int inside_dns_udp(struct inside_dns *d, int fd);
int inside_dns_tcp(struct inside_dns *d, int listen_fd);

#endif
