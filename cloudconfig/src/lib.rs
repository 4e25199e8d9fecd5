//! cloud-config: what cloud-init and CoreOS's cloudinit understand of it.
