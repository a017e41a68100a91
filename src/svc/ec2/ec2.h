/*
 * ec2: what other services may use of EC2: its typed operations (ec2_api.h), which they call in
 * their own transaction as whoever they act for, and a call of their own to do so.
 */
#ifndef HANEUL_SVC_EC2_EC2_H
#define HANEUL_SVC_EC2_EC2_H

#include "svc/ec2/resource.h"

#endif
