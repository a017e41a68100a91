/* Networks of the agent: what is asked for goes to the fabric. */
#include "plane/agent_impl.h"

#include <errno.h>
#include <stdio.h>

bool
networks_open(struct agent *a, char *why, size_t cap)
{
	(void)a;
	snprintf(why, cap, "Networks are not there yet.");
	return false;
}

int
networks_plug(struct agent *a, struct str network, struct str interface, int netns_fd, unsigned index, char *why, size_t cap)
{
	(void)a, (void)network, (void)interface, (void)netns_fd, (void)index;
	snprintf(why, cap, "Networks are not there yet.");
	return -EOPNOTSUPP;
}

void
networks_unplug(struct agent *a, struct str network, struct str interface)
{
	(void)a, (void)network, (void)interface;
}

void
networks_counters(struct agent *a, struct machine *m, struct plane_machine_report *r)
{
	(void)a, (void)m, (void)r;
}

int
networks_remove_all(struct agent *a, char *why, size_t cap)
{
	(void)a, (void)why, (void)cap;
	return 0;
}

void
agent_network_apply(struct agent *a, struct agent_request *r)
{
	(void)a;
	agent_fail(r, -EOPNOTSUPP, "Networks are not there yet.");
}

void
agent_network_remove(struct agent *a, struct agent_request *r)
{
	(void)a;
	agent_fail(r, -EOPNOTSUPP, "Networks are not there yet.");
}

void
agent_network_socket(struct agent *a, struct agent_request *r)
{
	(void)a;
	agent_fail(r, -EOPNOTSUPP, "Networks are not there yet.");
}
