/*
 * transact: what TransactWriteItems, TransactGetItems and ExecuteTransaction share: the steps of
 * one transaction, the reasons for which it is cancelled, and its client token.
 */
#ifndef HANEUL_SVC_DYNAMODB_TRANSACT_H
#define HANEUL_SVC_DYNAMODB_TRANSACT_H

#include "svc/dynamodb/writes.h"

/* The tables of one transaction, each opened once. */
struct ddb_tx_tables {
	struct {
		struct str name;
		struct ddb_table t;
		struct ddb_spent spent;
	} * v;
	uint32_t n;
};

struct ddb_tx_step {
	struct ddb_write w;
	struct str table, on_failure;
	uint32_t at; /* in tables */
	struct ddb_paths paths;
	struct dynamodb_cancellation_reason reason;
};

/* What went wrong with this one, from the failure just set; the others' reasons are told as
 * well. */
void ddb_tx_note_reason(struct call *c, struct ddb_tx_step *s);
/* Always CALL_FAILED, with TransactionCanceledException. */
int ddb_tx_cancelled(struct call *c, struct ddb_tx_step *steps, uint32_t n);
int ddb_tx_check_distinct(
	struct call *c, struct ddb_tx_tables *all, struct ddb_tx_step *steps, uint32_t n);
/* 1: this very request was done already. in: the operation's input. */
int ddb_tx_token_check(struct call *c, struct str token, const void *in);
int ddb_tx_write_all(
	struct call *c, struct ddb_tx_tables *all, struct ddb_tx_step *steps, uint32_t n);
/* Done before: the reply counts reads. */
void ddb_tx_count_repeat(
	struct call *c, struct ddb_tx_tables *all, struct ddb_tx_step *steps, uint32_t n);
void ddb_tx_consumed_all(struct call *c, struct str mode, struct ddb_tx_tables *all,
	struct dynamodb_consumed_capacity_list *l);
/* Transactions cost twice. */
void ddb_tx_double_units(struct ddb_spent *to, const struct ddb_spent *one);

#endif
