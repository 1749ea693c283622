import pytest
from binlocal.errors import TemplateError
from binlocal.template import (
    VALUES_OUTPUT,
    expressions,
    key_of,
    load_template,
    references,
    resolve,
    split_template,
    truth_of,
)

TEMPLATE = """
Parameters:
  Image: { Type: String, Default: "" }
  Most: { Type: Number, Default: 2 }
Conditions:
  HasImage: !Not [!Equals [!Ref Image, ""]]
  HasData: !Equals [!Ref Image, data]
Resources:
  Jobs: { Type: "AWS::S3::Bucket" }
  Topic: { Type: "AWS::SNS::Topic" }
  Counter:
    Type: AWS::SageMaker::Model
    Condition: HasImage
    Properties:
      PrimaryContainer:
        Image: !Ref Image
        ModelDataUrl: !If [HasData, !Sub "s3://${Jobs}/model.tar.gz", !Ref AWS::NoValue]
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Condition: HasImage
    Properties:
      ProductionVariants:
        - { VariantName: All, ModelName: !GetAtt Counter.ModelName }
        - !If [HasData, { VariantName: Shadow, ModelName: !GetAtt Counter.ModelName }, !Ref AWS::NoValue]
      AsyncInferenceConfig:
        ClientConfig: { MaxConcurrentInvocationsPerInstance: !Ref Most }
        OutputConfig: { S3OutputPath: !Sub "s3://${Jobs}/out/", NotificationConfig: { SuccessTopic: !Ref Topic } }
  Scaling:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties: { MaxCapacity: !Ref Most }
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties: { AlarmActions: [!Ref Scaling] }
Outputs:
  Jobs: { Value: !Ref Jobs }
"""


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE)
    return load_template(path)


def test_sagemaker_and_scaling_resources_are_removed_with_their_alarms(template):
    split = split_template(template)

    assert set(split.stack["Resources"]) == {"Jobs", "Topic"}
    assert set(split.sagemaker) == {"Counter", "Config"}
    assert split.skipped == ("Alarm", "Scaling")
    assert set(template["Resources"]) >= {"Counter", "Alarm"}, "the template itself is not changed"


def test_an_extra_output_asks_cloudformation_for_the_values(template):
    split = split_template(template)

    joined = split.stack["Outputs"][VALUES_OUTPUT]["Value"]["Fn::Join"]
    assert joined == ["\n", list(split.expressions)]
    assert split.stack["Outputs"]["Jobs"] == {"Value": {"Ref": "Jobs"}}
    assert truth_of("HasImage") in split.expressions
    assert truth_of("HasData") in split.expressions
    assert {"Fn::Sub": "s3://${Jobs}/out/"} in split.expressions
    assert {"Ref": "Topic"} in split.expressions
    assert not any("Counter" in references(expression) for expression in split.expressions)


def resolved(split, resource, **truths):
    answers = {key_of(truth_of(name)): value for name, value in truths.items()}
    values = {key_of(e): answers.get(key_of(e), f"<{next(iter(references(e)), '')}>") for e in split.expressions}
    created = {"Counter": {"Ref": "arn:counter", "ModelName": "the-counter"}}
    return resolve(split.sagemaker[resource]["Properties"], values, created)


def test_a_false_condition_omits_its_value(template):
    split = split_template(template)

    assert resolved(split, "Counter", HasData="false") == {"PrimaryContainer": {"Image": "<Image>"}}
    assert resolved(split, "Config", HasData="false")["ProductionVariants"] == [
        {"VariantName": "All", "ModelName": "the-counter"}
    ]


def test_a_true_condition_keeps_its_value(template):
    split = split_template(template)

    assert resolved(split, "Counter", HasData="true")["PrimaryContainer"]["ModelDataUrl"] == "<Jobs>"
    assert len(resolved(split, "Config", HasData="true")["ProductionVariants"]) == 2


def test_a_resource_that_refers_to_the_endpoint_is_rejected_with_advice(template):
    template["Resources"]["Rule"] = {"Type": "AWS::Events::Rule", "DependsOn": "Config"}

    with pytest.raises(TemplateError, match=r"Rule refers to Config.*Fn::Sub"):
        split_template(template)


def test_an_output_that_refers_to_the_endpoint_is_rejected(template):
    template["Outputs"]["Name"] = {"Value": {"Fn::Sub": "${Config.EndpointConfigName}"}}

    with pytest.raises(TemplateError, match="Outputs refers to Config"):
        split_template(template)


def test_a_name_built_from_another_sagemaker_resource_is_rejected(template):
    template["Resources"]["Config"]["Properties"]["EndpointConfigName"] = {"Fn::Sub": "${Counter.ModelName}-config"}

    with pytest.raises(TemplateError, match="A SageMaker resource refers to Counter"):
        split_template(template)


def test_a_template_without_a_model_is_deployed_unchanged():
    template = {"Resources": {"Jobs": {"Type": "AWS::S3::Bucket"}}}

    split = split_template(template)

    assert split.stack == template
    assert (split.sagemaker, split.skipped, split.expressions) == ({}, (), ())


def test_references_are_found_in_every_form():
    node = {
        "DependsOn": ["A"],
        "Properties": [{"Ref": "B"}, {"Fn::GetAtt": ["C", "Arn"]}, {"Fn::Sub": "${D}-${E.Arn}-x"}],
        "Other": {"Fn::Sub": ["${F}", {"F": {"Ref": "G"}}]},
    }

    assert references(node) == {"A", "B", "C", "D", "E", "F", "G"}


def test_the_projects_template_can_be_split():
    from binlocal.stack import ROOT

    split = split_template(load_template(ROOT / "template.yaml"))

    assert {resource["Type"] for resource in split.sagemaker.values()} == {
        "AWS::SageMaker::Model",
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Endpoint",
    }
    assert list(expressions(list(split.sagemaker.values()), set(split.sagemaker))) == list(split.expressions)
