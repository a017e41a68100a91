/* Kinds whose operations come later. */
#include "svc/ec2/network_rows.h"
const struct ec2_kind ec2_nat_gateway_kind = { .type = "natgateway", .prefix = "nat-", .row = &ec2_nat_gateway_row_shape, .unknown = &EC2_NatGatewayNotFound };
const struct ec2_kind ec2_peering_kind = { .type = "vpc-peering-connection", .prefix = "pcx-", .row = &ec2_peering_row_shape, .unknown = &EC2_InvalidVpcPeeringConnectionID_NotFound };
const struct ec2_kind ec2_endpoint_kind = { .type = "vpc-endpoint", .prefix = "vpce-", .row = &ec2_endpoint_row_shape, .unknown = &EC2_InvalidVpcEndpointId_NotFound };
const struct ec2_kind ec2_address_kind = { .type = "elastic-ip", .prefix = "eipalloc-", .row = &ec2_address_row_shape, .unknown = &EC2_InvalidAllocationID_NotFound };
