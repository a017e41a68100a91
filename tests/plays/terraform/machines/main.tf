# Machines in the default network: a key, instances directly and by launch template, disks and their copies.
variable "public_key" {
  type = string
}

data "aws_ami" "linux" {
  most_recent = true
  owners      = ["amazon"]
  filter {
    name   = "name"
    values = ["al2023-ami-2023.*-x86_64"]
  }
}

data "aws_vpc" "default" {
  default = true
}

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

resource "aws_key_pair" "mine" {
  key_name   = "mine"
  public_key = var.public_key
}

resource "aws_security_group" "ssh" {
  name = "ssh"
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_iam_role" "machine" {
  name = "machine"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

resource "aws_iam_instance_profile" "machine" {
  name = "machine"
  role = aws_iam_role.machine.name
}

resource "aws_instance" "one" {
  ami                    = data.aws_ami.linux.id
  instance_type          = "t3.nano"
  key_name               = aws_key_pair.mine.key_name
  vpc_security_group_ids = [aws_security_group.ssh.id]
  iam_instance_profile   = aws_iam_instance_profile.machine.name
  user_data              = "#!/bin/sh\necho written > /srv/by-user-data\n"
  metadata_options {
    http_tokens = "required"
  }
  root_block_device {
    volume_size = 9
    tags        = { Name = "root" }
  }
  tags = { Name = "one" }
}

resource "aws_eip" "one" {
  instance = aws_instance.one.id
  domain   = "vpc"
}

resource "aws_launch_template" "small" {
  name                   = "small"
  image_id               = data.aws_ami.linux.id
  instance_type          = "t3.nano"
  key_name               = aws_key_pair.mine.key_name
  vpc_security_group_ids = [aws_security_group.ssh.id]
  update_default_version = true
}

resource "aws_instance" "two" {
  launch_template {
    id      = aws_launch_template.small.id
    version = "$Latest"
  }
}

resource "aws_ebs_volume" "data" {
  availability_zone = aws_instance.one.availability_zone
  size              = 1
  type              = "gp3"
  tags              = { Name = "data" }
}

resource "aws_volume_attachment" "data" {
  device_name = "/dev/sdf"
  volume_id   = aws_ebs_volume.data.id
  instance_id = aws_instance.one.id
}

resource "aws_ebs_snapshot" "data" {
  volume_id = aws_ebs_volume.data.id
  tags      = { Name = "copied" }
}

resource "aws_ebs_volume" "copy" {
  availability_zone = aws_instance.two.availability_zone
  snapshot_id       = aws_ebs_snapshot.data.id
  size              = 2
}

resource "aws_ami_from_instance" "copy" {
  name               = "copy-of-one"
  source_instance_id = aws_instance.one.id
}

resource "aws_placement_group" "spread" {
  name     = "spread"
  strategy = "spread"
}

output "address" {
  value = aws_eip.one.public_ip
}
