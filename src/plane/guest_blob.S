/* The guest program's bytes; the Makefile says where they are. */
	.section .rodata
	.global guest_blob, guest_blob_end
	.balign 16
guest_blob:
	.incbin GUEST_PATH
guest_blob_end:
	.section .note.GNU-stack, "", %progbits
