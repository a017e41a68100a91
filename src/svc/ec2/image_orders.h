/*
 * image_orders: what `haneul image` asks of a running server: pull, import, export, remove, list.
 * POST /_haneul/images files an order and answers with its id; the reconciler "ec2.image-order"
 * carries it out; GET /_haneul/images tells how far each is and which images there are. An order
 * that was cut off by the server's end is carried out again by the next one.
 *
 * Files are named by what lies in <data>/spool, a folder of the data directory's owner: a link to
 * the file. Who may write there may use the file as the server; nobody else can name any.
 */
#ifndef HANEUL_SVC_EC2_IMAGE_ORDERS_H
#define HANEUL_SVC_EC2_IMAGE_ORDERS_H

#include "svc/ec2/resource.h"

/* service_page.serve and .change */
bool ec2_orders_show(struct call *c, struct buf *ret_body, const char **ret_type);
int ec2_orders_take(struct call *c, struct str body, struct buf *ret_body);
/* The catalogue is as the plane has it now: orders that waited for that are done. In a unit. */
void ec2_orders_listed(struct call *c);

#endif
